-- Write a reset: a node learnt of the webhook after it had changed something.
note('reset', 'r', 'started')
return written
