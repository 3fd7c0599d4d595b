-- Write an event that only says that the webhook works.
note('test')
return written
