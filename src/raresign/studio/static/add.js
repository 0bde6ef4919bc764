// The page "Add a sign": icon in, expected look, one click adds.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const page = document.getElementById("add");
  if (!page) return;
  const by = (id) => document.getElementById(id);
  const sliders = [...document.querySelectorAll("[data-slider]")];
  const turned = {};
  let sign = null, waiting = null, adding = false;

  // An icon file of any kind; an opaque photo needs four corners first.
  async function take(file) {
    const name = page.dataset.wanted ? `${page.dataset.wanted}.file` : file.name;
    const told = await studio.send(`/add/icon?name=${encodeURIComponent(name)}`, file);
    if (told) chosen(told);
  }
  function chosen(told) {
    by("try").hidden = true;
    if (told.photo) {
      corners(told);
      return;
    }
    by("corners").hidden = true;
    sign = told;
    by("sign").hidden = false;
    by("icon-drop").classList.add("small-drop");
    by("code").value = told.code;
    by("name").value = told.name;
    by("taken").textContent = told.taken ? page.dataset.taken : "";
    by("icon-shown").src = `/add/icon/${sign.icon}.${sign.kind}?code=${encodeURIComponent(told.code)}`;
    show();
    by("sign").scrollIntoView({ block: "start", behavior: "smooth" });
    by("go").focus({ preventScroll: true });
  }
  const query = (more = {}) => new URLSearchParams({ icon: sign.icon, kind: sign.kind, code: by("code").value, ...more });

  function look() {
    const picture = by("look");
    picture.parentElement.classList.add("busy");
    const columns = window.innerWidth < 640 ? 4 : 8;
    picture.src = `/add/look?${query({ ...turned, columns })}`;
  }
  by("look").addEventListener("load", () => by("look").parentElement.classList.remove("busy"));
  by("look").addEventListener("error", () => by("look").parentElement.classList.remove("busy"));

  let number = 0;
  async function expect() {
    const own = ++number;
    by("expected").replaceChildren(by("trying").content.cloneNode(true));
    const answer = await fetch(`/add/expected?${query({ name: by("name").value })}`).catch(() => null);
    if (own !== number) return;
    const text = answer && (await answer.text());
    if (answer?.ok) by("expected").innerHTML = text;
    else {
      let told = {};
      try { told = JSON.parse(text); } catch { /* shown as it is below */ }
      const line = document.createElement("p");
      line.className = "warn";
      line.textContent = [told.error, told.hint].filter(Boolean).join(". ");
      by("expected").replaceChildren(line);
    }
  }
  function show() {
    look();
    if (!sign.taken) expect();
    else by("expected").replaceChildren();
  }

  let last = "";
  by("code").addEventListener("focus", () => (last = by("code").value));
  by("code").addEventListener("change", () => {
    by("taken").textContent = "";
    sign.taken = false;
    if (by("code").value !== last) show();
  });
  for (const slider of sliders)
    slider.addEventListener("input", () => {
      turned[slider.dataset.slider] = slider.value;
      slider.classList.remove("idle");
      by("as-trained").disabled = false;
      clearTimeout(waiting);
      waiting = setTimeout(look, 150);
    });
  by("as-trained").addEventListener("click", () => {
    for (const slider of sliders) {
      slider.value = 50;
      slider.classList.add("idle");
      delete turned[slider.dataset.slider];
    }
    by("as-trained").disabled = true;
    look();
  });

  async function add() {
    if (!sign || adding) return;
    adding = true;
    const words = by("go").textContent;
    by("go").disabled = true;
    by("go").textContent = page.dataset.adding;
    number++;
    const told = await studio.send("/add", { icon: sign.icon, kind: sign.kind, code: by("code").value, name: by("name").value });
    adding = false;
    by("go").disabled = false;
    by("go").textContent = words;
    if (!told) {
      expect();
      return;
    }
    by("sign").hidden = true;
    by("try").hidden = false;
    by("step-3").textContent = told.done;
    by("try").scrollIntoView({ block: "center", behavior: "smooth" });
    by("try").querySelector("[data-choose]").focus({ preventScroll: true });
  }
  by("go").addEventListener("click", add);
  by("another").addEventListener("click", () => location.reload());
  uploads(by("drop"), () => {}, (drop) => (location.href = `/?drop=${drop}`));

  by("choose-icon").addEventListener("click", () => by("icon-file").click());
  by("icon-file").addEventListener("change", () => {
    if (by("icon-file").files.length) take(by("icon-file").files[0]);
    by("icon-file").value = "";
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (by("try").hidden && event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
  by("template").addEventListener("submit", async (event) => {
    event.preventDefault();
    const told = await studio.send("/add/template", { text: by("template-text").value });
    if (told) chosen(told);
  });
  // A sign that was looked up elsewhere: drawn where we can draw it, else its icon takes its number.
  if (page.dataset.wanted) {
    by("template-text").value = page.dataset.wanted;
    by("template").requestSubmit();
  }
  studio.keys({ o: () => by("icon-file").click(), a: add });

  // Four corners on a photo, by mouse, finger or arrow keys.
  let photo = null;
  const area = by("corner-area"), points = [...area.querySelectorAll(".corner")];
  const places = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]];
  function corners(told) {
    photo = told;
    by("sign").hidden = true;
    by("corners").hidden = false;
    area.querySelector("img").src = `/add/icon/${told.icon}.${told.kind}?whole=1`;
    drawCorners();
    by("corners").scrollIntoView({ block: "start", behavior: "smooth" });
  }
  function drawCorners() {
    points.forEach((point, k) => Object.assign(point.style, { left: `${100 * places[k][0]}%`, top: `${100 * places[k][1]}%` }));
    const svg = area.querySelector("svg");
    svg.setAttribute("viewBox", "0 0 100 100");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.querySelector("polygon").setAttribute("points", places.map(([x, y]) => `${100 * x},${100 * y}`).join(" "));
  }
  points.forEach((point, k) => {
    const put = (x, y) => {
      places[k] = [Math.min(Math.max(x, 0), 1), Math.min(Math.max(y, 0), 1)];
      drawCorners();
    };
    point.addEventListener("pointerdown", (event) => point.setPointerCapture(event.pointerId));
    point.addEventListener("pointermove", (event) => {
      if (!point.hasPointerCapture(event.pointerId)) return;
      const box = area.getBoundingClientRect();
      put((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
    point.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      put(places[k][0] + step[0] / 200, places[k][1] + step[1] / 200);
    });
  });
  by("cut").addEventListener("click", async () => {
    const [width, height] = photo.photo;
    const told = await studio.send("/add/plate", {
      icon: photo.icon, code: photo.code, outline: by("outline").value,
      corners: places.map(([x, y]) => [x * width, y * height]),
    });
    if (told) chosen(told);
  });
});
