// An HTTP source that returns only when it is let: what a run does meanwhile can be looked at as long as one likes.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { visitRows } from './visits.ts';

/** A source; `release` lets it respond from now on, `hold` stops it again. */
export type HeldSource = { url: string; release: () => void; hold: () => void; asked: () => number; close: () => void };

/** Starts a source of visits, held. */
export const startHeldSource = async (rowCount = 40): Promise<HeldSource> => {
  let gate = Promise.withResolvers<void>();
  let asked = 0;
  const server: Server = createServer((_request, response) => {
    asked += 1;
    void gate.promise.then(() =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ rows: visitRows(rowCount) })),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    release: () => gate.resolve(),
    hold: () => {
      gate = Promise.withResolvers<void>();
    },
    asked: () => asked,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
