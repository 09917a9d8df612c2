// Let the browser have its turn, and go on as soon as it has had it.

const { port1, port2 } = new MessageChannel();
const waiting = [];
port1.onmessage = () => waiting.shift()();

// What else there is comes first. (setTimeout would wait for 4 ms each time.)
export function pause() {
  return new Promise((done) => {
    waiting.push(done);
    port2.postMessage(null);
  });
}

// What was drawn is seen first, but in a tab that nobody sees.
export function seen() {
  if (document.hidden) return pause();
  return new Promise((done) => requestAnimationFrame(() => pause().then(done)));
}
