// What is the reader's own: grades under the cards, *I have read this* at a note's end, and the page that
// asks. The book has written the pages for everybody; nothing of this is in a published site.
(() => {
    const page = decodeURIComponent(location.pathname.slice(1)) || "index.html";
    const grades = ["forgot", "hard", "good", "easy"];
    const main = document.querySelector("main");
    if (!main) return;

    const element = (name, attributes = {}, ...inside) => {
        const made = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
        made.append(...inside);
        return made;
    };
    const button = (text, press, attributes = {}) => {
        const made = element("button", { type: "button", ...attributes }, text);
        made.addEventListener("click", press);
        return made;
    };
    const some = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;

    // ---- The server ----

    let mine;
    const ask = async (path) => {
        const answer = await fetch("/.book/" + path, { cache: "no-store" });
        const said = await answer.json();
        if (!answer.ok) throw new Error(said.error);
        return said;
    };
    const look = async () => (mine = await ask("mine"));
    const post = async (path, said) => {
        const send = () => fetch("/.book/" + path, {
            method: "POST",
            headers: { "Content-Type": "application/json", "X-Book-Token": mine.token },
            body: JSON.stringify(said),
        });
        let answer;
        try {
            answer = await send();
            if (answer.status === 403) {
                // The server was started anew since.
                await look();
                answer = await send();
            }
        } catch {
            throw new Error("not kept: the book is not served any more; start it again: cargo run");
        }
        const event = await answer.json();
        if (!answer.ok) throw new Error(event.error);
        return event;
    };
    // What takes long is told, and why.
    const patiently = async (work, say) => {
        let waits = true;
        const tell = async () => {
            if (!waits) return;
            const now = await ask("mine").catch(() => ({}));
            if (waits && now.building) {
                say("Building what says when a card comes back: once, in about a minute. The grade is kept then.");
            }
            setTimeout(tell, 1000);
        };
        setTimeout(tell, 600);
        try {
            return await work;
        } finally {
            waits = false;
        }
    };

    // ---- A card, wherever it stands ----

    // The grades under a card. `done` is told of each.
    const gradeable = (card, done = () => {}) => {
        const id = card.id.slice("recall-".length);
        const said = element("p", { class: "own-said", role: "status" });
        const row = element("div", { class: "own-grades", role: "group", "aria-label": "How was it?" });
        const buttons = grades.map((grade, at) => button(grade, () => say(grade), {
            "aria-keyshortcuts": String(at + 1),
            title: `key ${at + 1}`,
        }));
        row.append(...buttons);
        const free = (are) => buttons.forEach((one) => (one.disabled = !are));
        const say = async (grade) => {
            free(false);
            try {
                const event = await patiently(post("grade", { card: id, grade }), (text) => (said.textContent = text));
                said.textContent = `${event.grade}: asked again on ${event.due}. `;
                said.append(button("take back", () => undo(event)));
                done(event, () => undo(event));
            } catch (error) {
                said.textContent = error.message;
                free(true);
            }
        };
        const undo = async (event) => {
            try {
                await post("undo", { card: event.card, of: event.at });
                said.textContent = "taken back";
                free(true);
                done(null);
            } catch (error) {
                said.textContent = error.message;
            }
        };
        if (mine.days[id]) said.textContent = `asked again on ${mine.days[id]}`;
        card.append(row, said);
        card.addEventListener("keydown", (event) => key(event));
        const key = (event) => {
            if (event.ctrlKey || event.altKey || event.metaKey || !card.open) return;
            const pressed = buttons[Number(event.key) - 1];
            if (pressed && !pressed.disabled) {
                event.preventDefault();
                event.stopPropagation();
                pressed.click();
            }
        };
        return key;
    };

    // ---- A note ----

    const mark = (note) => {
        const said = element("span", { role: "status" });
        const box = element("input", { type: "checkbox", id: "own-read" });
        box.checked = note.read;
        box.addEventListener("change", async () => {
            try {
                await post("read", { note: note.name, read: box.checked });
                said.textContent = box.checked ? " Its cards will be asked." : " Its new cards will not be asked.";
            } catch (error) {
                said.textContent = " " + error.message;
                box.checked = !box.checked;
            }
        });
        const label = element("label", { for: "own-read" }, box, " I have read this.");
        const line = element("p", { class: "own-read" }, label, said);
        const proofs = document.getElementById("what-proves-this-page");
        if (proofs) proofs.before(line);
        else main.append(line);
    };

    // The reader's own page says how far the exercise of its note is, and leads to it.
    const exercise = async (section) => {
        const all = await ask("exercises").catch(() => []);
        const one = all.find((one) => one.note === section.dataset.note);
        if (!one) return;
        const tasks = element("a", { href: `/.book/${one.folder}/TASKS.md` }, one.folder);
        section.querySelector(".yours-mark").append(". Your exercise: ", tasks, `, ${one.state}`);
    };

    // ---- The page that asks ----

    const pages = new Map();
    // A card as its note shows it, with links that lead there.
    const fetched = async ({ id, page }) => {
        const at = new URL("/" + page, location);
        if (!pages.has(page)) {
            const text = await (await fetch(at, { cache: "no-store" })).text();
            pages.set(page, new DOMParser().parseFromString(text, "text/html"));
        }
        const found = pages.get(page).getElementById("recall-" + id);
        if (!found) throw new Error(`the card ${id} is not on its page any more`);
        const card = document.importNode(found, true);
        for (const link of card.querySelectorAll("a[href]")) {
            link.href = new URL(link.getAttribute("href"), at).href;
        }
        card.open = false;
        return card;
    };
    const AT_ONCE = 10;
    const sitting = () => {
        // The server has left room for it, so that nothing moves.
        const box = main.querySelector(".own-asked");
        if (!box) return;
        const asked = new Set();
        let fresh = 0, back, key, current;
        const end = () => {
            current = undefined;
            const next = mine.next ? ` The next day with cards is ${mine.next.day}.` : "";
            const more = mine.fresh.filter((card) => !asked.has(card.id)).length;
            const none = asked.size ? "That was all for now." : "Nothing is due.";
            const line = element("p", { tabindex: "-1" }, none + next);
            box.replaceChildren(line);
            if (more) box.append(button(`${Math.min(more, AT_ONCE)} new ones more`, () => { fresh = 0; proceed(); }));
            if (back) box.append(button("take back the last grade", back));
            if (asked.size) line.focus();
        };
        const proceed = async () => {
            key = undefined;
            try {
                await look();
                const due = mine.due.find((card) => !asked.has(card.id));
                const one = due ?? (fresh < AT_ONCE ? mine.fresh.find((card) => !asked.has(card.id)) : undefined);
                if (!one) return end();
                current = { one, isFresh: !due };
                if (!due) fresh++;
                asked.add(one.id);
                await show(one);
            } catch (error) {
                box.replaceChildren(element("p", { role: "alert" }, error.message));
            }
        };
        const show = async (one) => {
            const card = await fetched(one);
            const left = mine.due.filter((card) => !asked.has(card.id)).length;
            const from = element("p", { class: "own-from", hidden: "" },
                element("a", { href: `/${one.page}#recall-${one.id}` }, one.title), one.section ? `, ${one.section}` : "");
            const count = element("p", { class: "own-count" }, left ? `${left} more due` : "");
            const grade = gradeable(card, (event, undo) => {
                if (!event) return;
                back = async () => {
                    back = undefined;
                    // The card that was not answered waits for its turn.
                    if (current && current.one.id !== one.id) {
                        asked.delete(current.one.id);
                        if (current.isFresh) fresh--;
                    }
                    current = undefined;
                    await undo();
                    await show(one);
                };
                proceed();
            });
            card.addEventListener("toggle", () => (from.hidden = !card.open));
            key = (event) => {
                if (event.key === "u" && back) return back();
                if ((event.key === " " || event.key === "Enter") && event.target === document.body && !card.open) {
                    event.preventDefault();
                    card.open = true;
                    return undefined;
                }
                return grade(event);
            };
            box.replaceChildren(count, card, from);
            if (back) box.append(button("take back the last grade (u)", () => back?.()));
            if (asked.size > 1) card.querySelector("summary").focus();
        };
        document.addEventListener("keydown", (event) => {
            const typing = event.target.closest("input, textarea, select, [contenteditable]");
            if (key && !typing && !event.ctrlKey && !event.altKey && !event.metaKey) key(event);
        });
        proceed();
    };

    const begin = async () => {
        try {
            await look();
        } catch {
            // The server is stopped, or another program has its port.
            return;
        }
        for (const card of main.querySelectorAll("details.recall[id^='recall-']")) gradeable(card);
        if (mine.notes[page]) mark(mine.notes[page]);
        for (const section of main.querySelectorAll("section.yours")) exercise(section);
        if (page === "recall.html") sitting();
    };
    begin();
})();
