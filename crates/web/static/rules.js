// A rule in the making: its preview follows the choice, and only what was previewed can be saved.
export const page = (url) => new Promise((done, fail) => {
  const request = new XMLHttpRequest();
  request.open("GET", url);
  request.responseType = "document";
  request.timeout = 30000;
  request.onload = () => (request.status === 200 && request.response ? done(request.response) : fail(new Error(`status ${request.status}`)));
  request.onerror = request.ontimeout = () => fail(new Error("no answer"));
  request.send();
});

const WAIT = 250;

export const wire = (form) => {
  const save = form.querySelector("[data-save]");
  const look = form.querySelector("[data-look]");
  // The preview follows by itself.
  look.hidden = true;
  let turn = 0;
  let timer = 0;

  const ask = async (mine) => {
    const choice = new URLSearchParams(new FormData(form));
    choice.delete("back");
    choice.delete("csrf");
    try {
      const fresh = await page(`${look.getAttribute("formaction")}?${choice}`);
      if (mine !== turn) return;
      const effect = fresh.querySelector("[data-effect]");
      const previewed = fresh.querySelector("[data-previewed]");
      form.querySelector("[data-effect]").replaceWith(document.adoptNode(effect));
      form.querySelector("[data-previewed]").value = previewed.value;
      save.disabled = previewed.value === "";
    } catch {
      // By hand, then: the server looks at the choice again before it saves.
      if (mine === turn) look.hidden = save.disabled = false;
    }
    form.removeAttribute("aria-busy");
  };

  form.addEventListener("input", (event) => {
    if (event.target.matches('[name="owner"], [name="reason"], [name="expires"]')) return;
    save.disabled = true;
    form.setAttribute("aria-busy", "true");
    turn += 1;
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT, turn);
  });
  save.disabled = form.querySelector("[data-previewed]").value === "";
};

document.querySelectorAll("[data-rule-form]").forEach(wire);
