import { conformance } from '@lethe/testkit/conformance';

conformance('data');
