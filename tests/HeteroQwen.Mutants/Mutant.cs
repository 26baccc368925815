namespace HeteroQwen.Mutants;

/// <summary>What kind of mistake a fault is.</summary>
internal enum Category
{
    Arithmetic,
    Indices,
    Numerics,
    Memory,
    Runtime,
}

/// <summary>A plausible fault of a backend.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Ops">The ops that it concerns, separated by spaces; <c>runtime</c> where it is none's in particular.</param>
/// <param name="Does">What the backend does wrong, in one sentence.</param>
/// <param name="Create">Makes the fault; anew for every open device, so that what it remembers is the device's.</param>
internal sealed record Mutant(string Name, string Ops, string Does, Func<Fault> Create)
{
    public bool Concerns(string op) => Ops == "runtime" || Array.IndexOf(Ops.Split(' '), op) >= 0;
}
