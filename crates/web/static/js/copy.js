// A button with data-copy puts that text on the clipboard and says so for a moment.
const offer = (button) => {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.dataset.copy || location.href;
    try {
      await navigator.clipboard.writeText(text);
      const words = button.querySelector("[data-words]") ?? button.lastChild;
      const before = words.textContent;
      words.textContent = " Copied";
      setTimeout(() => { words.textContent = before; }, 1500);
    } catch { /* The text can be selected by hand. */ }
  });
};

export const offerCopies = (within) => within.querySelectorAll("[data-copy]").forEach(offer);

offerCopies(document);
