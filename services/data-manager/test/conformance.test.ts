import { conformance } from '@lethe/testkit/conformance';

conformance('data', 'lethe.data.v1.DataManager');
