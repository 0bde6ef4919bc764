// The page "Name": dropping files in parts, walking through the crops by keys.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const zone = document.getElementById("drop");
  uploads(zone, more, () => zone.classList.add("small-drop"));

  function more() {
    document.body.dispatchEvent(new CustomEvent("studio:poke"));
    follower.follow();
  }

  // The list follows while crops are being named, and once after that.
  const isBusy = () => !document.getElementById("progress").classList.contains("idle");
  let busy = isBusy();
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.elt.id === "progress" || event.detail.target.id === "progress") {
      const now = isBusy();
      if (now || busy) follower.follow();
      busy = now;
    }
  });

  document.addEventListener("click", async (event) => {
    const exported = event.target.closest("[data-export]");
    if (exported) exported.search = new URLSearchParams(new FormData(document.getElementById("filter")));
    const removed = event.target.closest("[data-remove]");
    if (removed && (await studio.send(`/name/drops/${removed.dataset.remove}`, null, "DELETE"))) {
      document.getElementById("detail").replaceChildren();
      htmx.ajax("GET", "/name/rows", { target: "#list" });
    }
    if (event.target.closest("[data-close-detail]")) close();
    if (event.target.closest("a.named-card[hx-get]") && !event.ctrlKey && !event.metaKey) chosen(event.target.closest("a"));
  });

  function chosen(card) {
    document.querySelectorAll(".named-card[aria-current]").forEach((one) => one.removeAttribute("aria-current"));
    card.setAttribute("aria-current", "true");
  }
  function close() {
    document.getElementById("detail").replaceChildren();
    document.querySelector(".named-card[aria-current]")?.focus();
  }
  function step(by) {
    const cards = [...document.querySelectorAll(".named-card")];
    if (!cards.length) return;
    const now = cards.findIndex((one) => one === document.activeElement || one.getAttribute("aria-current"));
    const next = cards[Math.min(Math.max(now + by, 0), cards.length - 1)];
    next.focus();
    if (document.querySelector("#detail .panel") && next.hasAttribute("hx-get")) next.click();
  }
  studio.keys({
    ArrowRight: () => step(1), ArrowLeft: () => step(-1),
    o: () => document.getElementById("files").click(),
    "/": () => document.getElementById("text")?.focus(),
    Escape: close,
  });
});
