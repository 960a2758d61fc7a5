// Reloads the page when another build is served than the one that it is of, and shows what is wrong
// with the book. A tab asks, and holds no connection: browsers open six to a server, for all its tabs
// together.
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
    let asking = false;
    let timer;
    const ask = async () => {
        if (asking) return;
        asking = true;
        clearTimeout(timer);
        try {
            const options = { cache: "no-store", signal: AbortSignal.timeout(5000) };
            const state = await (await fetch("/.book/state", options)).json();
            if (typeof state.build === "string" && state.build !== mine) {
                location.reload();
            } else if (state.error) {
                show(state.error);
            } else if (state.build === mine) {
                bar.remove();
            }
        } catch {
            // The server is stopped, or another program has its port: the page stays as it is.
        }
        asking = false;
        timer = setTimeout(ask, 300);
    };
    // A hidden tab is woken rarely: when it is seen again it asks at once.
    for (const event of ["visibilitychange", "pageshow", "focus", "online"]) {
        window.addEventListener(event, ask, true);
    }
    ask();
})();
