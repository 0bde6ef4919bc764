// The page "Name": dropping files in parts, walking through the crops by keys.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const zone = document.getElementById("drop");
  const sending = zone.querySelector(".sending");
  const MOST_FILES = 250, MOST_BYTES = 16e6;

  // All files of what was dropped, folders included: [path, File].
  async function filesOf(items) {
    const found = [];
    async function walk(entry, folder) {
      if (entry.isFile) {
        const file = await new Promise((yes, no) => entry.file(yes, no));
        found.push([folder + file.name, file]);
      } else if (entry.isDirectory) {
        const reader = entry.createReader();
        for (;;) {
          const some = await new Promise((yes, no) => reader.readEntries(yes, no));
          if (!some.length) break;
          for (const one of some) await walk(one, `${folder}${entry.name}/`);
        }
      }
    }
    const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    for (const entry of entries) await walk(entry, "");
    return found;
  }

  async function upload(files) {
    files = files.filter(([name]) => !name.split("/").pop().startsWith("."));
    if (!files.length) {
      studio.say(zone.dataset.none, null, true);
      return;
    }
    const folder = files[0][0].split("/")[0];
    const title = files[0][0].includes("/") || files.length === 1 ? folder : zone.dataset.folder;
    const begun = await studio.send("/name/drops", { title });
    if (!begun) return;
    sending.hidden = false;
    zone.setAttribute("aria-busy", "true");
    let done = 0;
    for (let first = 0; first < files.length; ) {
      const form = new FormData();
      const names = [];
      let bytes = 0;
      while (first < files.length && names.length < MOST_FILES && (bytes === 0 || bytes + files[first][1].size < MOST_BYTES)) {
        const [name, file] = files[first++];
        names.push(name);
        bytes += file.size + 1;
        form.append("file", file, "picture");
      }
      form.append("names", JSON.stringify(names));
      if (!(await studio.send(`/name/drops/${begun.drop}/pictures`, form))) break;
      done += names.length;
      sending.querySelector("progress").value = (100 * done) / files.length;
      sending.querySelector("span").textContent = zone.dataset.sending.replace("{done}", done).replace("{all}", files.length);
      more();
    }
    await studio.send(`/name/drops/${begun.drop}/end`);
    sending.hidden = true;
    zone.removeAttribute("aria-busy");
    zone.classList.add("small-drop");
    more();
  }

  function more() {
    document.body.dispatchEvent(new CustomEvent("studio:poke"));
    if (document.getElementById("filter")) document.body.dispatchEvent(new CustomEvent("studio:more"));
    else htmx.ajax("GET", "/name/rows", { target: "#list" });
  }

  for (const kind of ["files", "folder"]) {
    const input = document.getElementById(kind);
    zone.querySelector(`[data-choose=${kind}]`).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      upload([...input.files].map((file) => [file.webkitRelativePath || file.name, file]));
      input.value = "";
    });
  }
  for (const kind of ["dragenter", "dragover"])
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  document.addEventListener("dragleave", (event) => event.relatedTarget || zone.classList.remove("over"));
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    upload(await filesOf(event.dataTransfer.items));
  });

  // The list follows while crops are being named.
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.elt.id === "progress" || event.detail.target.id === "progress") {
      const left = Number(document.getElementById("progress").dataset.left);
      if (left || more.left) document.body.dispatchEvent(new CustomEvent("studio:more"));
      more.left = left;
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
