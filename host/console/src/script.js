// Inserts placeholders where the cursor is, and counts as one types. Without it the server does both.
"use strict";
(() => {
  const text = document.getElementById("text");
  const placeholder = document.getElementById("placeholder");
  const insert = document.getElementById("insert");
  if (!text || !placeholder || !insert) return;

  const count = async () => {
    const form = new URLSearchParams(new FormData(text.form));
    const answer = await fetch("/text/count", { method: "POST", body: form });
    const measured = document.getElementById("measured");
    if (!answer.ok || !measured) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("measured");
    // What arrives late is about an older text.
    if (fresh && form.get("text") === new FormData(text.form).get("text")) {
      measured.replaceChildren(...fresh.childNodes);
    }
  };
  let waiting = 0;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => count().catch(() => {}), 200);
  };
  const put = () => {
    text.setRangeText(placeholder.value, text.selectionStart, text.selectionEnd, "end");
    text.focus();
    later();
  };
  text.addEventListener("input", later);
  insert.addEventListener("click", (event) => {
    event.preventDefault();
    put();
  });
})();
