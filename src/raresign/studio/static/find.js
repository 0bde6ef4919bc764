// The page "Find": choosing a folder, deciding on candidates by keys, ranking again after each.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const list = () => document.getElementById("candidates");
  const cards = () => [...document.querySelectorAll(".candidate")];
  const other = document.getElementById("other");
  let busy = false, place = 0;

  document.getElementById("pile")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.target));
    if (await studio.send("/find/source", given)) location.href = "/find";
  });

  function address(order = list().dataset.order) {
    list().dataset.order = order;
    return `/find/candidates?code=${encodeURIComponent(list().dataset.code)}&order=${order}`;
  }
  const show = (order) => htmx.ajax("GET", address(order), { target: "#candidates" });

  function current() {
    return cards().find((one) => one.contains(document.activeElement)) || cards()[place] || cards()[0];
  }
  function focus(number) {
    const all = cards();
    if (!all.length) return;
    place = Math.min(Math.max(number, 0), all.length - 1);
    all.forEach((one, k) => (one.tabIndex = k === place ? 0 : -1));
    all[place].focus();
  }

  // After each decision all crops are ranked again; the next one to decide on takes the place.
  async function decide(card, answer) {
    if (!card || busy) return;
    busy = true;
    place = cards().indexOf(card);
    card.classList.add("decided");
    const rows = card.dataset.rows.split(",").map(Number);
    const told = await studio.send("/find/decide", { code: list().dataset.code, rows, answer });
    busy = false;
    if (told) await show();
    else card.classList.remove("decided");
  }
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id === "candidates" && !document.querySelector("dialog[open]")) focus(place);
  });
  document.addEventListener("studio:undone", (event) => {
    if (!list()) return;
    event.preventDefault();
    sessionStorage.removeItem("said");
    studio.say(event.detail.done, event.detail);
    show();
  });

  function ask(card) {
    if (!card) return;
    place = cards().indexOf(card);
    other.showModal();
    const text = document.getElementById("other-text");
    text.value = "";
    htmx.trigger(text, "studio:opened");
    text.focus();
  }
  document.getElementById("other-text")?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    document.querySelector("#other-signs [data-other]")?.click();
  });

  document.addEventListener("click", async (event) => {
    const pile = event.target.closest("[data-pile]");
    if (pile) {
      pile.disabled = true;
      await studio.send(`/find/${pile.dataset.pile}`);
      htmx.ajax("GET", "/find/progress", { target: "#pile-progress", swap: "outerHTML" });
      if (list()) show();
      return;
    }
    const teach = event.target.closest("[data-teach]");
    if (teach) {
      teach.disabled = true;
      teach.setAttribute("aria-busy", "true");
      await studio.send("/find/teach", { code: list().dataset.code });
      show();
    }
    const order = event.target.closest("button[data-order]");
    if (order) { place = 0; show(order.dataset.order); }
    const answer = event.target.closest("[data-answer]");
    const card = event.target.closest(".candidate");
    if (answer) answer.dataset.answer === "other" ? ask(card) : decide(card, answer.dataset.answer);
    else if (card) focus(cards().indexOf(card));
    const chosen = event.target.closest("[data-other]");
    if (chosen) {
      other.close();
      decide(cards()[place], chosen.dataset.other);
    }
  });

  if (list())
    studio.keys({
      y: () => decide(current(), "yes"), n: () => decide(current(), "no"), a: () => ask(current()),
      ArrowRight: () => focus(cards().indexOf(current()) + 1), ArrowLeft: () => focus(cards().indexOf(current()) - 1),
      o: () => { place = 0; show(list().dataset.order === "best" ? "informative" : "best"); },
      "/": () => document.getElementById("others").click(),
    });
  else studio.keys({ "/": () => document.getElementById("text")?.focus() });
});
