"""From logged decisions to online learning: cloning, conservative offline learning, fine-tuning."""
