// Review: steps between crops and confusions, and corrections by key.
"use strict";

(() => {
  const steps = () => [...document.querySelectorAll("main [data-step]")].filter((one) => one.offsetParent);
  const current = () => document.activeElement?.closest?.(".test-crop");
  const box = (one) => (one.closest("li") || one).getBoundingClientRect();

  // The nearest step in a direction; the first where none has the focus.
  function go(right, down) {
    const all = steps();
    const place = all.indexOf(document.activeElement.closest("[data-step]"));
    if (place < 0) return all[0]?.focus();
    if (right) return all[place + right]?.focus();
    const from = box(all[place]);
    const rows = all.filter((one) => (box(one).top - from.top) * down > 4);
    if (!rows.length) return;
    const next = rows.map((one) => Math.abs(box(one).top - from.top));
    const row = rows.filter((_, k) => next[k] < Math.min(...next) + 4);
    row.sort((a, b) => Math.abs(box(a).left - from.left) - Math.abs(box(b).left - from.left));
    row[0].focus();
  }

  async function correct(card, after) {
    if (!card || card.dataset.busy) return;
    card.dataset.busy = "1";
    const body = { row: Number(card.dataset.row), after, shown: card.dataset.shown || null };
    const told = await studio.send("/review/correct", body);
    delete card.dataset.busy;
    if (!told) return;
    const place = document.createElement("template");
    place.innerHTML = told.html;
    const fresh = place.content.querySelector(".test-crop");
    card.replaceWith(fresh);
    const next = fresh.nextElementSibling;
    (next || fresh).focus();
  }

  let asked = null;
  function choose(card) {
    const dialog = document.getElementById("choose");
    if (!card || !dialog) return;
    asked = card;
    dialog.showModal();
    const words = document.getElementById("choose-words");
    words.value = "";
    document.getElementById("choose-found").replaceChildren();
    words.focus();
  }

  function act(card, what) {
    if (!card) return;
    const known = card.querySelector(`[data-act="${what}"]`);
    if (!known) return;
    if (what === "choose") return choose(card);
    correct(card, { called: card.dataset.called, was: card.dataset.was, unreadable: "unreadable" }[what]);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) return act(button.closest(".test-crop"), button.dataset.act);
    const found = event.target.closest("#choose [data-code]");
    if (found) {
      event.preventDefault();
      document.getElementById("choose").close();
      correct(asked, found.dataset.code);
    }
  });

  // In the dialog the arrows walk through what was found, and Enter takes the first.
  document.addEventListener("keydown", (event) => {
    const dialog = event.target.closest?.("#choose");
    if (!dialog) return;
    const all = [...dialog.querySelectorAll("[data-code]")];
    const place = all.indexOf(document.activeElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = place + (event.key === "ArrowDown" ? 1 : -1);
      (all[next] || (next < 0 ? document.getElementById("choose-words") : null))?.focus();
    } else if (event.key === "Enter" && event.target.id === "choose-words") {
      event.preventDefault();
      all[0]?.click();
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("save-corrections")?.addEventListener("click", () => studio.send("/review/corrections/save"));
  });

  const follow = (key) => document.querySelector(`main a[data-key="${key}"]`)?.click();
  studio.keys({
    ArrowRight: () => go(1, 0),
    ArrowLeft: () => go(-1, 0),
    ArrowDown: () => go(0, 1),
    ArrowUp: () => go(0, -1),
    y: () => act(current(), "called"),
    r: () => act(current(), "was"),
    c: () => act(current(), "choose"),
    x: () => act(current(), "unreadable"),
    n: () => follow("n"),
    p: () => follow("p"),
    b: () => follow("b"),
    "/": () => {
      const words = document.getElementById("look-words");
      if (words) words.focus();
      else location.href = "/review/classes";
    },
  });
})();
