// Pictures on their way to the studio: chosen or dropped, files or folders, in parts.
"use strict";

// zone: has [data-choose] buttons and a progress bar; more: called after each part; ended: with the drop.
function uploads(zone, more, ended) {
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
    more();
    ended(begun.drop);
  }

  for (const kind of ["files", "folder"]) {
    const input = document.getElementById(kind);
    if (!input) continue;
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
    if (!zone.offsetParent) return;
    upload(await filesOf(event.dataTransfer.items));
  });
}
