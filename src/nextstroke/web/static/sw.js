// The service worker: keeps every file of the studio, so that it runs without a connection.
//
// Files are fetched anew while there is a connection, since they are small or known to the browser's own cache.

/** @type {any} */
const worker = self;
const CACHE = "nextstroke-1";
const API = /\/(v1|health|openapi\.json)(\/|$)/;

worker.addEventListener("install", (event) => {
  worker.skipWaiting();
  event.waitUntil(keepAll());
});

async function keepAll() {
  const cache = await caches.open(CACHE);
  const names = await (await fetch("files.json")).json();
  await Promise.all(names.map(async (name) => {
    const answer = await fetch(name);
    if (answer.ok) await cache.put(name, answer);
  }));
}

worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || API.test(url.pathname)) return;
  event.respondWith(answerTo(request));
});

async function answerTo(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.ok) cache.put(request, answer.clone()).catch(() => {}); // a full disk is no reason to fail
    return answer;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
