// Keys that work everywhere on the page, and files that are dropped on it.

export function hearKeys(app) {
  addEventListener("keydown", (event) => keyed(app, event));
}

function keyed(app, event) {
  if (document.querySelector("dialog[open]")) return;
  const control = event.ctrlKey || event.metaKey;
  const code = event.code;
  let done = true;
  if (control && !event.shiftKey && !event.altKey && code === "KeyK") app.quick();
  else if (control && event.shiftKey && code === "KeyF")
    app.panels.what === "search" ? app.panels.words.focus() : app.panels.open("search");
  else if (control && code === "Slash") app.keys();
  else if (event.altKey && !control && (code === "ArrowDown" || code === "ArrowUp"))
    step(app, code === "ArrowDown" ? 1 : -1, event.shiftKey);
  else if (event.key === "Escape" && app.shell.classList.contains("drawer")) app.menu(false);
  else if (event.key === "Escape" && !event.defaultPrevented && app.panels.what) app.panels.close();
  else if (event.key === "?" && !event.target.closest("input, textarea")) app.keys();
  else done = false;
  if (done) event.preventDefault();
}

function step(app, by, unread) {
  const all = app.sidebar.order;
  const at = all.indexOf(app.chat.current);
  for (let i = 1; i <= all.length; i += 1) {
    const next = all[(at + by * i + all.length * 2) % all.length];
    if (!unread || next.unread) return app.go(next);
  }
}

export function takeDrops(take) {
  const files = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const mark = (on) => document.querySelector(".shell").classList.toggle("dropping", on);
  addEventListener("dragenter", (event) => {
    if (files(event)) {
      depth += 1;
      mark(true);
    }
  });
  addEventListener("dragleave", (event) => {
    if (files(event) && --depth <= 0) {
      depth = 0;
      mark(false);
    }
  });
  addEventListener("dragover", (event) => files(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    depth = 0;
    mark(false);
    take([...event.dataTransfer.files]);
  });
}
