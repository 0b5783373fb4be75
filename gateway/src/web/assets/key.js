// Security keys: shows what needs one where this browser has them, asks for the key, and sends what it answers.
(() => {
  const asks = window.PublicKeyCredential;
  const able = !!asks && !!asks.parseCreationOptionsFromJSON && !!asks.parseRequestOptionsFromJSON;
  document.querySelectorAll("[data-with-key]").forEach((it) => (it.hidden = !able));
  document.querySelectorAll("[data-without-key]").forEach((it) => (it.hidden = able));
  const form = document.getElementById("key");
  if (!form || !able) return;
  const said = document.getElementById("key-said");
  const button = form.querySelector("button");
  const told = JSON.parse(form.dataset.told);
  const touched = () =>
    "adds" in form.dataset
      ? navigator.credentials.create({ publicKey: asks.parseCreationOptionsFromJSON(told) })
      : navigator.credentials.get({ publicKey: asks.parseRequestOptionsFromJSON(told) });
  const ask = async () => {
    button.disabled = true;
    said.textContent = said.dataset.waits;
    try {
      form.elements.answer.value = JSON.stringify(await touched());
      form.submit();
    } catch (error) {
      said.textContent = error.name === "InvalidStateError" ? said.dataset.known : said.dataset.failed;
      button.disabled = false;
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  ask();
})();
