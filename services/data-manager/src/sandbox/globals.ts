// What a script finds beside the language. All else that the runtime has is taken away: its own namespace, modules of Node, the clock, chance.

// Of the language: all but what shows the collection of garbage, waits by the clock, or makes code of text.
const LANGUAGE = `AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date DisposableStack Error
  EvalError Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl Iterator JSON Map Math NaN Number Object Promise
  Proxy RangeError ReferenceError Reflect RegExp Set String SuppressedError Symbol SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array
  Uint8ClampedArray WeakMap WeakSet decodeURI decodeURIComponent encodeURI encodeURIComponent escape globalThis isFinite isNaN parseFloat parseInt
  undefined unescape`;

// Of the web: texts, addresses, bytes, streams, requests, digests, timers.
const WEB = `AbortController AbortSignal ByteLengthQueuingStrategy CompressionStream CountQueuingStrategy Crypto CryptoKey DOMException
  DecompressionStream Event EventTarget Headers ReadableStream Request Response SubtleCrypto TextDecoder TextDecoderStream TextEncoder TextEncoderStream
  TransformStream URL URLPattern URLSearchParams WritableStream atob btoa clearInterval clearTimeout console crypto fetch performance queueMicrotask
  setInterval setTimeout structuredClone`;

const KEPT = new Set(`${LANGUAGE} ${WEB}`.split(/\s+/));

/** Takes away every global that a script does not need. What is left was looked at for time and chance in `repeatable.ts`. */
export const takeGlobalsAway = (): void => {
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (KEPT.has(name)) {
      // Some are loaded at their first use, by code of the runtime that needs what is taken away here.
      Reflect.get(globalThis, name);
      continue;
    }
    // A name that cannot be deleted is covered.
    if (!Reflect.deleteProperty(globalThis, name)) Reflect.defineProperty(globalThis, name, { value: undefined });
  }
};

/** A console that writes nothing: standard output has the rows, and what a script says is shown to nobody. */
export const silenceConsole = (): void => {
  const silent = Object.fromEntries(Object.keys(console).map((name) => [name, () => undefined]));
  Object.defineProperty(globalThis, 'console', { value: Object.freeze(silent), configurable: false });
};

/** Adds the broker's key to each request, without which the broker responds to nobody. */
export const addKeyToRequests = (key: string): void => {
  const [send, RealRequest, { apply }] = [fetch, Request, Reflect];
  const setHeader = Headers.prototype.set;
  globalThis.fetch = (input, init) => {
    const request = new RealRequest(input, init);
    apply(setHeader, request.headers, ['lethe-broker-key', key]);
    return send(request);
  };
};
