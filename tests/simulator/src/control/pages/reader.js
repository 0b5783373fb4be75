// The readers' screens. Everything is drawn with textContent: what comes from the box is text and nothing else.

const PIN_DIGITS = 4;

const single = location.pathname.match(/^\/reader\/(\d+)$/)?.[1];
const main = document.querySelector("main");
const lanes = new Map();

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

async function send(lane, method, path, body) {
  const options = { method };
  if (body) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options).catch(() => undefined);
  lane.refusal.textContent = "";
  if (!answer) lane.refusal.textContent = "no answer";
  else if (!answer.ok) lane.refusal.textContent = (await answer.json().catch(() => ({}))).reason ?? answer.statusText;
}

// The digits stay in this closure until there are four, and are forgotten when they have been sent.
function pad(lane) {
  let digits = "";
  const dots = make("p", { className: "dots" });
  dots.setAttribute("aria-label", "PIN");
  const draw = () => { dots.textContent = "●".repeat(digits.length) + "○".repeat(PIN_DIGITS - digits.length); };
  const key = (label, act) => make("button", { type: "button", textContent: label, onclick: act });
  const type = (digit) => key(digit, () => {
    digits += digit;
    draw();
    if (digits.length === PIN_DIGITS) {
      const typed = digits;
      digits = "";
      send(lane, "POST", `${lane.path}/pin`, { digits: typed });
    }
  });
  const keys = make("div", { className: "pad" }, ...[..."123456789"].map(type),
    key("C", () => { digits = ""; draw(); }), type("0"), key("←", () => { digits = digits.slice(0, -1); draw(); }));
  draw();
  return [dots, keys];
}

function drawScreen(lane, reader) {
  const { screen } = reader;
  // Redrawing would take away half a typed PIN.
  const drawn = JSON.stringify([reader.connected, screen?.sequence, reader.slot_pin_wanted]);
  if (lane.drawn === drawn) return;
  lane.drawn = drawn;
  const parts = [];
  if (!screen) {
    parts.push(make("h3", { textContent: "ただいまご利用いただけません" }),
      make("p", { className: "text", lang: "en", textContent: reader.goodbye ?? "Not connected to the gateway" }));
  } else {
    parts.push(make("h3", { textContent: screen.title }), make("p", { className: "text", textContent: screen.text }));
    if (reader.slot_pin_wanted) {
      parts.push(make("p", { className: "job", textContent: screen.language === "en" ? "PIN of the card in the slot" : "差し込んだカードの暗証番号" }), ...pad(lane));
    } else if (screen.pin_job) {
      parts.push(...pad(lane));
    }
    const touch = (choice) => make("button", {
      type: "button",
      textContent: choice.label,
      onclick: () => send(lane, "POST", `${lane.path}/touch`, { choice: choice.id }),
    });
    parts.push(make("div", { className: "choices" }, ...screen.choices.map(touch)));
  }
  lane.screen.classList.toggle("away", !screen);
  lane.screen.lang = screen?.language ?? "ja";
  lane.screen.dataset.kind = screen?.kind ?? "";
  lane.screen.replaceChildren(...parts);
}

function hands(lane) {
  const card = make("input", { type: "text", value: "android", spellcheck: false });
  card.setAttribute("list", "cards");
  card.setAttribute("aria-label", "card or phone");
  const button = (label, act) => make("button", { type: "button", textContent: label, onclick: act });
  const call = (method, path, body) => () => send(lane, method, `${lane.path}/${path}`, body?.());
  const chosen = () => ({ card: card.value.trim() });
  lane.held = make("output");
  lane.slot = make("output");
  lane.face = make("input", { type: "checkbox" });
  lane.face.onchange = () => send(lane, "PUT", `${lane.path}/face`, { matches: lane.face.checked });
  return make("div", { className: "hands" },
    make("div", { className: "row" }, card),
    make("div", { className: "row" }, button("かざす hold", call("PUT", "medium", chosen)),
      button("離す take away", call("DELETE", "medium")), lane.held),
    make("div", { className: "row" }, button("差し込む insert", call("PUT", "slot", chosen)),
      button("抜く eject", call("DELETE", "slot")), lane.slot),
    make("div", { className: "row" }, make("label", {}, lane.face, " 顔が一致 face matches")),
    make("div", { className: "row" }, "顔リーダー face reader:", button("切断 cut", call("POST", "face_reader/disconnect")),
      button("接続 join", call("POST", "face_reader/connect")), button("再起動 restart", call("POST", "face_reader/restart"))),
    make("div", { className: "row" }, "汎用リーダー NFC reader:", button("抜く unplug", call("POST", "nfc_reader/unplug")),
      button("差す plug", call("POST", "nfc_reader/plug"))),
    lane.refusal);
}

function open(number) {
  const lane = { path: `/lanes/${number}`, screen: make("div", { className: "screen" }), refusal: make("p", { className: "refusal" }) };
  lane.refusal.setAttribute("role", "alert");
  const link = make("a", { href: `/reader/${number}`, textContent: `窓口 ${number}` });
  const rest = single ? lane.refusal : hands(lane);
  const section = make("section", { className: "lane" }, make("h2", {}, link), lane.screen, rest);
  section.dataset.lane = number;
  lanes.set(number, lane);
  const after = [...main.children].find((other) => Number(other.dataset.lane) > number);
  main.insertBefore(section, after ?? null);
  return lane;
}

function draw(counter) {
  const lane = lanes.get(counter.lane) ?? open(counter.lane);
  drawScreen(lane, counter.reader);
  if (!single) {
    lane.held.textContent = counter.held ?? "";
    lane.slot.textContent = counter.reader.slot ?? "";
    lane.face.checked = counter.reader.face_matches;
  }
}

document.body.classList.toggle("single", Boolean(single));
const events = new EventSource(single ? `/events?lane=${single}` : "/events");
events.onmessage = (event) => draw(JSON.parse(event.data));
events.onerror = () => { for (const lane of lanes.values()) lane.refusal.textContent = "the simulated hospital does not answer"; };
events.onopen = () => { for (const lane of lanes.values()) lane.refusal.textContent = ""; };
if (!single) {
  fetch("/cards").then((answer) => answer.json()).then(({ known }) => {
    document.querySelector("#cards").replaceChildren(...known.map((name) => make("option", { value: name })));
  });
}
