// What all pages share: messages at the bottom, taking back and doing again, keys, the token of every change.
"use strict";

const studio = (() => {
  const token = () => document.querySelector("meta[name=studio-token]").content;
  const words = () => document.body.dataset;
  const handlers = {};

  // What was done and taken back in this tab, last at the end; it outlives a change of the page.
  const steps = () => JSON.parse(sessionStorage.getItem("steps") || '{"done": [], "back": []}');
  function noted(change) {
    const known = steps();
    change(known);
    sessionStorage.setItem("steps", JSON.stringify({ done: known.done.slice(-100), back: known.back.slice(-100) }));
  }

  function did({ action, undoes }) {
    noted((known) => {
      known.done.push(action);
      if (!undoes) known.back = [];
    });
  }

  // A message at the bottom; with an action it offers to take that back, or to do it again.
  function say(text, offers = null, failed = false) {
    const place = document.getElementById("said");
    const line = document.createElement("div");
    line.className = failed ? "toast failed" : "toast";
    const told = document.createElement("span");
    told.textContent = text;
    line.append(told);
    const action = offers?.action || offers?.again;
    if (action) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = offers.action ? words().takeBack : words().again;
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
    if (told.done) say(told.done, told);
    if (told.action) did(told);
    if (told.again) noted((known) => known.back.push(told.again));
    return told;
  }

  // Take an action back; of one that took another back, that is to do it again.
  async function undo(action) {
    noted((known) => {
      known.done = known.done.filter((one) => one !== action);
      known.back = known.back.filter((one) => one !== action);
    });
    const told = await send(`/undo/${action}`);
    if (!told) return;
    sessionStorage.setItem("said", JSON.stringify(told));
    if (document.dispatchEvent(new CustomEvent("studio:undone", { detail: told, cancelable: true })))
      location.reload();
  }

  // Keys of a page: {"c": () => ..., "ArrowDown": ...}; they rest while somebody writes.
  function keys(more) {
    Object.assign(handlers, more);
  }

  function walk(kind) {
    const action = steps()[kind].at(-1);
    if (action) undo(action);
    else say(words().noMore);
  }

  // The Latin letter of a key, whatever alphabet the keyboard writes.
  function letter(event) {
    const latin = /^Key[A-Z]$/.test(event.code) && /[^\x00-\x7f]/.test(event.key);
    if (!latin) return event.key;
    return event.shiftKey ? event.code[3] : event.code[3].toLowerCase();
  }

  function pressed(event) {
    if (event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input:not([type=checkbox], [type=range]), textarea, select, dialog[open]")) return;
    if (event.target.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
    const key = letter(event);
    if (event.ctrlKey || event.metaKey) {
      const kind = { z: event.shiftKey ? "back" : "done", y: "back" }[key.toLowerCase()];
      if (!kind) return;
      event.preventDefault();
      return walk(kind);
    }
    const own = handlers[key];
    if (own) {
      event.preventDefault();
      own(event);
    } else if (event.key === "?") {
      document.getElementById("keys").showModal();
    } else if (key === "u" || key === "U") {
      walk(key === "u" ? "done" : "back");
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
    if (told) say(JSON.parse(told).done, JSON.parse(told));
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

  return { say, send, did, undo, keys };
})();
