"""Live-chat interactions on Kafka become attributed Google Analytics events."""
