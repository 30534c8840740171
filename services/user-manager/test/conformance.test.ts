import { conformance } from '@lethe/testkit/conformance';

conformance('user', 'lethe.user.v1.UserManager');
