"""What can be learned: ink, text, recognition, and distillation from a teacher."""
