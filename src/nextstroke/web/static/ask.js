// The worker as the page sees it: a job is sent, its parts are passed on, its result is a promise.

const worker = new Worker("boot.js", { type: "module" });
const waiting = new Map();
let last = 0;

worker.onmessage = ({ data }) => {
  const job = waiting.get(data.id);
  if (!job) return;
  if ("part" in data) return job.report?.(data.part);
  waiting.delete(data.id);
  if (data.error !== undefined) job.reject(Object.assign(new Error(data.error), { dropped: data.dropped }));
  else job.resolve(data.result);
};

/**
 * Run a job (worker.js); a newer one of its kind drops it, and its promise is rejected with `dropped`.
 * @param {(part) => void} report called with each part of the result
 */
export function ask(kind, order = {}, report = null) {
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, report });
    worker.postMessage({ id, kind, ...order });
  });
}
