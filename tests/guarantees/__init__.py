"""What is promised under every fault, shown on a real Kafka."""
