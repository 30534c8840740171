import { conformance } from '@lethe/testkit/conformance';

conformance('script', 'lethe.script.v1.ScriptManager');
