//! Virtual JPKI media (My Number card, Android, iPhone, old resident card).
