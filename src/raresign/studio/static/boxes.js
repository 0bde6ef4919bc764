// Boxes drawn on a frame, by mouse, finger or keys.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("boxes");
  const width = Number(place.dataset.width), height = Number(place.dataset.height);
  const shown = JSON.parse(place.dataset.boxes), boxes = JSON.parse(place.dataset.boxes);
  let drawing = null;

  const clamp = (value, most) => Math.min(Math.max(value, 0), most);

  function at(event) {
    const area = place.getBoundingClientRect();
    return [
      clamp(((event.clientX - area.left) / area.width) * width, width),
      clamp(((event.clientY - area.top) / area.height) * height, height),
    ];
  }

  function show(focus = -1) {
    place.querySelectorAll(".box").forEach((one) => one.remove());
    boxes.forEach((box, number) => {
      const [x0, y0, x1, y1] = [Math.min(box[0], box[2]), Math.min(box[1], box[3]), Math.max(box[0], box[2]), Math.max(box[1], box[3])];
      const one = document.createElement("div");
      one.className = "box";
      one.tabIndex = 0;
      one.setAttribute("role", "button");
      one.setAttribute("aria-label", place.dataset.box.replace("{n}", number + 1));
      Object.assign(one.style, {
        left: `${(100 * x0) / width}%`, top: `${(100 * y0) / height}%`,
        width: `${(100 * (x1 - x0)) / width}%`, height: `${(100 * (y1 - y0)) / height}%`,
      });
      one.addEventListener("keydown", (event) => keyed(event, number));
      place.append(one);
      if (number === focus) one.focus();
    });
  }

  function keyed(event, number) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (event.key === "Delete" || event.key === "Backspace") {
      boxes.splice(number, 1);
      show(Math.min(number, boxes.length - 1));
    } else if (step) {
      const far = Math.max(1, width / 400);
      const corners = event.shiftKey ? [2, 3] : [0, 1, 2, 3];
      corners.forEach((c) => (boxes[number][c] = clamp(boxes[number][c] + far * step[c % 2], c % 2 ? height : width)));
      show(number);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  place.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const on = event.target.closest(".box");
    if (on) {
      on.focus();
      return;
    }
    event.preventDefault();
    place.setPointerCapture(event.pointerId);
    drawing = [...at(event), ...at(event)];
    boxes.push(drawing);
  });
  place.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    [drawing[2], drawing[3]] = at(event);
    show();
  });
  place.addEventListener("pointerup", () => {
    if (!drawing) return;
    const [x0, y0, x1, y1] = drawing;
    if (Math.abs(x1 - x0) < 3 || Math.abs(y1 - y0) < 3) boxes.pop();
    else drawing.splice(0, 4, Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1));
    drawing = null;
    show(boxes.length - 1);
  });

  function fresh() {
    boxes.push([0.4 * width, 0.4 * height, 0.6 * width, 0.6 * height]);
    show(boxes.length - 1);
  }
  async function save() {
    const told = await studio.send(`/name/frame/${place.dataset.frame}/boxes`, { boxes, shown });
    if (told) {
      sessionStorage.setItem("said", JSON.stringify(told));
      location.href = "/";
    }
  }
  async function whole() {
    if (await studio.send(`/name/crop/${place.dataset.frame}/whole`)) location.href = "/";
  }
  document.getElementById("new-box").addEventListener("click", fresh);
  document.getElementById("save").addEventListener("click", save);
  document.getElementById("whole").addEventListener("click", whole);
  studio.keys({ n: fresh, s: save });
  show();
});
