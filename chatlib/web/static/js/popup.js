// What opens beside something, above all else, until one has chosen or looks elsewhere.

// `near` is the box beside which it opens, `back` gives the element that has the focus afterwards.
export function popup(node, near, back) {
  const close = (refocus = true) => {
    if (!node.isConnected) return;
    node.remove();
    removeEventListener("pointerdown", outside, true);
    removeEventListener("resize", close);
    if (refocus) back()?.focus({ preventScroll: true });
  };
  const outside = (event) => node.contains(event.target) || close(false);
  document.body.append(node);
  const { width, height } = node.getBoundingClientRect();
  const below = near.bottom + 4;
  const top = below + height > innerHeight - 8 ? near.top - height - 4 : below;
  node.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, near.left))}px`;
  node.style.top = `${Math.max(8, Math.min(innerHeight - height - 8, top))}px`;
  node.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !node.contains(relatedTarget)) close(false);
  });
  addEventListener("pointerdown", outside, true);
  addEventListener("resize", close);
  return close;
}
