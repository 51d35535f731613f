/**
 * Runs once before any page. zod would write functions at run time where it may, and finds out by
 * trying, which the content policy refuses and reports: it is told not to try.
 */
import { z } from 'zod';

z.config({ jitless: true });
