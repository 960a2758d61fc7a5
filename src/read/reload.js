// Reloads the page when another build is served than the one that it is of, and shows what is wrong
// with the book. Browsers open six connections to a server, for all its tabs together: one tab waits on
// one of them for news, and tells the others.
(() => {
    const mine = document.currentScript.dataset.build;
    const bar = document.createElement("pre");
    bar.className = "weave-error";
    bar.setAttribute("role", "alert");
    const show = (error) => {
        const text = mine ? "The page below is the last good one.\n\n" + error : error;
        if (bar.textContent !== text || !bar.isConnected) {
            bar.textContent = text;
            document.body.prepend(bar);
        }
    };
    const take = (state) => {
        if (typeof state.build === "string" && state.build !== mine) {
            location.reload();
        } else if (state.error) {
            show(state.error);
        } else if (state.build === mine) {
            bar.remove();
        }
    };
    const pause = (time) => new Promise((done) => setTimeout(done, time));
    const ask = async (known) => {
        const signal = AbortSignal.timeout(known ? 60000 : 5000);
        const options = { cache: "no-store", priority: "low", signal };
        return (await fetch("/.book/state" + (known ? "?not=" + known : ""), options)).json();
    };
    const others = new BroadcastChannel("book");
    others.onmessage = (message) => take(message.data);
    // Where the server is stopped, or another program has its port, the page stays as it is.
    const wait = async () => {
        // The page itself comes first.
        await pause(1000);
        for (let known; ;) {
            try {
                const state = await ask(known);
                known = state.tag;
                others.postMessage(state);
                take(state);
            } catch {
                known = undefined;
                await pause(300);
            }
        }
    };
    const look = async () => {
        try { take(await ask()); } catch { /* as above */ }
    };
    // A browser that has no locks looks as often as it may.
    if (navigator.locks) navigator.locks.request("book", wait);
    else setInterval(look, 300);
    // A hidden tab may have slept through the news: when it is seen again it asks at once.
    for (const event of ["visibilitychange", "pageshow", "focus", "online"]) {
        window.addEventListener(event, look, true);
    }
})();
