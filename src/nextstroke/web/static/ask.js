// The page's side of the worker: sends a job, hands its parts on, gives its result.

const worker = new Worker("worker.js", { type: "module" });
const waiting = new Map();
let last = 0;

worker.onmessage = ({ data }) => {
  const job = waiting.get(data.id);
  if (!job) return;
  if ("part" in data) return job.tell?.(data.part);
  waiting.delete(data.id);
  if (data.error !== undefined) job.reject(Object.assign(new Error(data.error), { dropped: data.dropped }));
  else job.resolve(data.result);
};

/**
 * Have a job done (worker.js); a newer one of its kind drops it, and its promise is refused with `dropped`.
 * @param {(part) => void} tell takes what the job gives on its way
 */
export function ask(kind, order = {}, tell = null) {
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, tell });
    worker.postMessage({ id, kind, ...order });
  });
}
