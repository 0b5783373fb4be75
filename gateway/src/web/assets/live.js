// What a reader has opened stays open when the live part that it stands in is shown anew.
(() => {
  const opened = new Map();
  // A part that is replaced as a whole comes back under its id; one whose content is replaced stays.
  const name = (part) => part.id || part;
  const folded = (part) => [...part.querySelectorAll("details")];
  const remember = ({ target }) => opened.set(name(target), folded(target).map((it) => it.open));
  const restore = ({ target }) => {
    const before = opened.get(name(target)) ?? [];
    folded(target).forEach((it, at) => (it.open ||= before[at] ?? false));
  };
  document.addEventListener("htmx:sseBeforeMessage", remember);
  document.addEventListener("htmx:sseMessage", restore);
  document.addEventListener("htmx:beforeSwap", remember);
  document.addEventListener("htmx:afterSwap", restore);
})();
