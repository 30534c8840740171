import type { DataManagerDefinition } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { Store } from '@lethe/db/open';
import type { ServiceClient } from '@lethe/grpc/client';
import type { TextChecker } from '../parsing/checker.ts';
import type { Tables } from '../store/tables.ts';

/** What the handlers of ScriptManager use. */
export type Deps = { store: Store<Tables>; data: ServiceClient<typeof DataManagerDefinition>; checkText: TextChecker; now: () => Date };
