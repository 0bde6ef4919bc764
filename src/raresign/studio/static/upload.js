// Pictures on their way to the studio: chosen or dropped, files or folders, in parts.
"use strict";

// zone: has [data-choose] buttons, a progress bar and words; more: called after each part; ended: with the drop.
function uploads(zone, more, ended) {
  const sending = zone.querySelector(".sending");
  const bar = sending.querySelector("progress"), line = sending.querySelector("span");
  const MOST_FILES = 50, MOST_BYTES = 16e6, LARGEST = 60e6; // opening a file stops the page for a moment
  const words = (name, values) => Object.entries(values).reduce((text, [key, value]) => text.replaceAll(`{${key}}`, value), zone.dataset[name]);
  const count = (number) => number.toLocaleString(document.documentElement.lang);
  const nothing = (hidden = 0) => ({ hidden, large: 0, gone: 0, rest: 0, from: "" });
  let turn = Promise.resolve();

  // What is dropped while other files are being sent follows these.
  function start(work) {
    turn = turn.then(async () => {
      sending.hidden = false;
      zone.setAttribute("aria-busy", "true");
      window.addEventListener("beforeunload", stay);
      const drop = await work().catch((error) => studio.say(String(error), null, true));
      window.removeEventListener("beforeunload", stay);
      zone.removeAttribute("aria-busy");
      sending.hidden = true;
      bar.removeAttribute("value");
      line.textContent = "";
      if (drop) {
        more();
        ended(drop);
      }
    });
  }
  const stay = (event) => event.preventDefault();

  // All files of what was dropped, folders included: [path, what opens it].
  async function filesOf(entries, left) {
    const found = [];
    async function walk(entry, folder) {
      if (entry.name.startsWith(".")) {
        left.hidden++;
      } else if (entry.isFile) {
        found.push([folder + entry.name, () => new Promise((yes, no) => entry.file(yes, no))]);
      } else {
        const reader = entry.createReader();
        for (;;) {
          const some = await new Promise((yes, no) => reader.readEntries(yes, no));
          if (!some.length) break;
          for (const one of some) await walk(one, `${folder}${entry.name}/`).catch(() => left.gone++);
          line.textContent = words("looking", { n: count(found.length) });
        }
      }
    }
    for (const entry of entries) await walk(entry, "").catch(() => left.gone++);
    return found;
  }

  // Files that can be read, in parts: [path, File].
  async function* partsOf(files, left) {
    let part = [], bytes = 0;
    for (let first = 0; first < files.length; first += MOST_FILES) {
      const some = files.slice(first, first + MOST_FILES);
      const opened = await Promise.all(some.map(([, open]) => open().catch(() => null)));
      for (const [k, file] of opened.entries()) {
        if (file === null) left.gone++;
        else if (file.size > LARGEST) left.large++;
        else {
          if (part.length && bytes + file.size > MOST_BYTES) {
            yield part;
            [part, bytes] = [[], 0];
          }
          part.push([some[k][0], file]);
          bytes += file.size;
        }
      }
      if (part.length) yield part;
      [part, bytes] = [[], 0];
    }
  }

  async function upload(files, left) {
    if (!files.length) {
      studio.say([zone.dataset.none, leftOut(left)].join(" "), null, true);
      return null;
    }
    const folder = files[0][0].split("/")[0];
    const title = files[0][0].includes("/") || files.length === 1 ? folder : zone.dataset.folder;
    const begun = await studio.send("/name/drops", { title });
    if (!begun) return null;
    let done = 0, told = -2000;
    for await (const part of partsOf(files, left)) {
      const sent = await sendPart(begun.drop, part, left);
      if (sent === null) {
        left.rest = files.length - done - left.gone - left.large;
        left.from = part[0][0];
        break;
      }
      done += sent;
      bar.value = (100 * done) / files.length;
      line.textContent = words("sending", { done: count(done), all: count(files.length) });
      if (performance.now() - told > 2000) {
        more();
        told = performance.now();
      }
    }
    await studio.send(`/name/drops/${begun.drop}/end`);
    studio.did({ action: begun.dropped });
    if (leftOut(left)) studio.say([words("sent", { n: count(done) }), leftOut(left)].join(" "), null, !!(left.large || left.gone || left.rest));
    return begun.drop;
  }

  // Send some files; those that cannot be opened any more are left out. How many; null if the studio took none.
  async function sendPart(drop, part, left) {
    const form = new FormData();
    for (const [, file] of part) form.append("file", file, "picture");
    form.append("names", JSON.stringify(part.map(([name]) => name)));
    if (await studio.send(`/name/drops/${drop}/pictures`, form)) return part.length;
    const opened = await Promise.all(part.map(([, file]) => file.slice(0, 1).arrayBuffer().then(() => true, () => false)));
    const there = part.filter((_, k) => opened[k]);
    if (there.length === part.length) return null;
    left.gone += part.length - there.length;
    return there.length ? sendPart(drop, there, left) : 0;
  }

  function leftOut(left) {
    const told = ["hidden", "large", "gone", "rest"].filter((kind) => left[kind]);
    const parts = told.map((kind) => words(kind, { n: count(left[kind]), file: left.from }));
    return parts.length ? words("left", { what: parts.join(", ") }) : "";
  }

  for (const kind of ["files", "folder"]) {
    const input = document.getElementById(kind);
    if (!input) continue;
    zone.querySelector(`[data-choose=${kind}]`).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const chosen = [...input.files].map((file) => [file.webkitRelativePath || file.name, async () => file]);
      const seen = chosen.filter(([name]) => !/(^|\/)\./.test(name));
      start(() => upload(seen, nothing(chosen.length - seen.length)));
      input.value = "";
    });
  }
  for (const kind of ["dragenter", "dragover"])
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  document.addEventListener("dragleave", (event) => event.relatedTarget || zone.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (!zone.offsetParent) return;
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const left = nothing();
    start(async () => upload(await filesOf(entries, left), left));
  });
}
