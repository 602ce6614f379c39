"""Templates that become running applications: OpenStack Orchestration (Heat) v1.

Reference: https://docs.openstack.org/api-ref/orchestration/v1/. Resources: stacks with their resources, events, outputs and
snapshots; software configs and deployments; resource types and template versions to read. A stack is a graph of resources that
the engine makes, changes and removes as far side by side as the graph allows, with the rights of the stack's owner. Start at
``operations/stacks.py``: what a caller can ask; then ``plan.py``: what is done about it; ``template/`` is the language and
``resources/`` the types that it knows.
"""
