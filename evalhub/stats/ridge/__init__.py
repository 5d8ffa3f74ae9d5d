"""What features say about preferences: penalised fits, and their choice by cross-validation."""
