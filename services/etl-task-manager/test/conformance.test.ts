import { conformance } from '@lethe/testkit/conformance';

conformance('task', 'lethe.task.v1.EtlTaskManager');
