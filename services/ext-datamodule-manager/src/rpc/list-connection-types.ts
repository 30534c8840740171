import { ConnectionType } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type {
  ListConnectionTypesRequest,
  ListConnectionTypesResponse,
} from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { CallContext } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import { connectionTypeView } from '../app/views.ts';
import { CONNECTION_KINDS } from '../domain/connection-types.ts';

const keyOf = ({ type, schemaVersion }: { type: string; schemaVersion: number }): string =>
  `${type}/${String(schemaVersion).padStart(6, '0')}`;

const TYPE_KEY = /^[a-z]{1,40}\/\d{6}$/;

/** A page of connection types. */
export const listConnectionTypes =
  () =>
  async (request: ListConnectionTypesRequest, ctx: CallContext): Promise<ListConnectionTypesResponse> => {
    const page = openPage(ctx, request, TYPE_KEY);
    const kinds = CONNECTION_KINDS.map(connectionTypeView)
      .filter((kind) => keyOf(kind) > page.after)
      .toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)));
    const { items, nextPageToken } = closePage(page, kinds, keyOf, ConnectionType);
    return { connectionTypes: items, nextPageToken };
  };
