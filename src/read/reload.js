// The server says `good` or what is wrong with the book: after each build, and once at the start.
(() => {
    const bar = document.createElement("pre");
    bar.className = "weave-error";
    bar.setAttribute("role", "alert");
    let build = null;
    const events = new EventSource("/.book/events");
    events.addEventListener("state", (event) => {
        const state = JSON.parse(event.data);
        if (state.error !== null) {
            bar.textContent = "The page below is the last good one.\n\n" + state.error;
            document.body.prepend(bar);
        } else if (build !== null && build !== state.build) {
            location.reload();
        } else {
            bar.remove();
        }
        build ??= state.build;
    });
})();
