// What all pages share: messages at the bottom, taking back, keys, and the token of every change.
"use strict";

const studio = (() => {
  const token = () => document.querySelector("meta[name=studio-token]").content;
  const words = () => document.body.dataset;
  const handlers = {};
  let lastAction = null;

  // A message at the bottom; with an action it offers to take that back.
  function say(text, action = null, failed = false) {
    const place = document.getElementById("said");
    const line = document.createElement("div");
    line.className = failed ? "toast failed" : "toast";
    const told = document.createElement("span");
    told.textContent = text;
    line.append(told);
    if (action) {
      lastAction = action;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words().takeBack;
      button.addEventListener("click", () => undo(action));
      line.append(button);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "plain";
    close.setAttribute("aria-label", words().close);
    close.textContent = "×";
    close.addEventListener("click", () => line.remove());
    line.append(close);
    place.replaceChildren(line);
    if (!failed) setTimeout(() => line.matches(":hover, :focus-within") || line.remove(), 8000);
  }

  // Ask the studio: JSON, a form, or nothing. Gives the JSON of the answer, null after a failure.
  async function send(address, body = null, method = "POST") {
    const headers = { "X-Raresign-Token": token(), Accept: "application/json" };
    if (body !== null && !(body instanceof FormData) && !(body instanceof Blob)) {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(body);
    }
    let answer;
    try {
      answer = await fetch(address, { method, headers, body: method === "GET" ? null : body });
    } catch {
      say(words().offline, null, true);
      return null;
    }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) {
      say([told.error || answer.statusText, told.hint].filter(Boolean).join(". "), null, true);
      return null;
    }
    if (told.done) say(told.done, told.action);
    return told;
  }

  async function undo(action) {
    const told = await send(`/undo/${action}`);
    if (!told) return;
    lastAction = null;
    sessionStorage.setItem("said", told.done);
    if (document.dispatchEvent(new CustomEvent("studio:undone", { detail: told, cancelable: true })))
      location.reload();
  }

  // Keys of a page: {"c": () => ..., "ArrowDown": ...}; they rest while somebody writes.
  function keys(more) {
    Object.assign(handlers, more);
  }

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input:not([type=checkbox], [type=range]), textarea, select, dialog[open]")) return;
    if (event.target.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
    const own = handlers[event.key];
    if (own) {
      event.preventDefault();
      own(event);
    } else if (event.key === "?") {
      document.getElementById("keys").showModal();
    } else if (event.key === "u" && lastAction) {
      undo(lastAction);
    } else if (/^[1-9]$/.test(event.key)) {
      document.querySelectorAll("header.top nav a")[event.key - 1]?.click();
    }
  }

  document.addEventListener("keydown", pressed);
  document.addEventListener("click", (event) => {
    const opens = event.target.closest("[data-opens]");
    if (opens) document.getElementById(opens.dataset.opens).showModal();
    const undoes = event.target.closest("[data-undo]");
    if (undoes) undo(Number(undoes.dataset.undo));
  });
  document.addEventListener("DOMContentLoaded", () => {
    const told = sessionStorage.getItem("said");
    sessionStorage.removeItem("said");
    if (told) say(told);
  });
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-Raresign-Token"] = token();
  });
  document.addEventListener("htmx:responseError", (event) => {
    let told = {};
    try {
      told = JSON.parse(event.detail.xhr.responseText);
    } catch {
      told = { error: event.detail.xhr.statusText };
    }
    say([told.error, told.hint].filter(Boolean).join(". "), null, true);
  });
  document.addEventListener("htmx:sendError", () => say(words().offline, null, true));

  return { say, send, undo, keys };
})();
