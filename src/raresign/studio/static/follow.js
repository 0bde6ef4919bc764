// The list of the page "Name" follows what is being named, and leaves alone what a person does with it.
"use strict";

const follower = (() => {
  const PARTS = ["problems", "looks", "drops", "found", "none", "parts"];
  const form = () => document.getElementById("filter");
  const asked = () => {
    const asks = new URLSearchParams(new FormData(form()));
    asks.set("page", document.getElementById("crops").dataset.page);
    return asks.toString();
  };
  let running = false, again = false;

  // Exchange what is no more the same; a card, a choice or a text that has the focus keeps it.
  function exchange(fresh) {
    const focus = document.activeElement;
    for (const name of PARTS) {
      const old = document.getElementById(name), now = fresh.getElementById(name);
      if (old.innerHTML === now.innerHTML || (focus?.matches("select") && old.contains(focus))) continue;
      old.replaceWith(now);
      htmx.process(now);
    }
    const list = document.getElementById("crops"), cards = [...fresh.querySelectorAll("#crops > li")];
    const current = list.querySelector("[aria-current]")?.id;
    list.dataset.page = fresh.getElementById("crops").dataset.page;
    cards.forEach((now, k) => {
      const old = list.children[k];
      const same = old && old.firstElementChild.id === now.firstElementChild.id;
      if (same && old.firstElementChild.innerHTML === now.firstElementChild.innerHTML) return;
      if (old) old.replaceWith(now);
      else list.append(now);
      if (now.firstElementChild.id === current) now.firstElementChild.setAttribute("aria-current", "true");
      htmx.process(now);
    });
    while (list.children.length > cards.length) list.lastElementChild.remove();
    if (focus?.id && !focus.isConnected) document.getElementById(focus.id)?.focus({ preventScroll: true });
  }

  // Ask for the list as it is shown. Of an answer to what is no more asked nothing is shown.
  async function look() {
    const before = asked(), was = form();
    const answer = await fetch(`/name/rows?${before}`, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) return true;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (form() !== was || asked() !== before || document.querySelector("#list .htmx-request")) return false;
    if (!fresh.getElementById("filter")) document.getElementById("list").replaceChildren(...fresh.body.childNodes);
    else exchange(fresh);
    return true;
  }

  async function follow() {
    again = true;
    if (running) return;
    running = true;
    while (again && form()) {
      again = false;
      if (!(await look())) again = true;
      await new Promise((done) => setTimeout(done, 300));
    }
    running = false;
    if (again) await htmx.ajax("GET", "/name/rows", { target: "#list" }); // the first drop
    again = false;
  }

  // What somebody goes on writing is not overwritten by the answer to what was written before.
  let sent = "";
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.target.id === "list" && form()) sent = new FormData(form());
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "list" || !form() || !sent) return;
    const text = (data) => new URLSearchParams(data).toString();
    if (text(sent) !== text(new FormData(form()))) {
      event.detail.shouldSwap = false;
      setTimeout(follow, 500);
    }
  });

  return { follow };
})();
