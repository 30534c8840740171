import { runService } from '@lethe/service/run-service';
import { service } from './service.ts';

await runService(service);
