import { anywhere } from './anywhere.suite.ts';

anywhere();
