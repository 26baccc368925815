using System.Collections.Immutable;

namespace HeteroQwen.Mutants;

/// <summary>All mutants. A mutant's place is the index of its device, so new ones go to the end of their list's category only at the
/// cost of numbers that nobody keeps.</summary>
internal static class Catalogue
{
    public static ImmutableArray<(Category Category, Mutant Mutant)> All { get; } =
    [
        .. ArithmeticFaults.All.Select(m => (Category.Arithmetic, m)),
        .. IndexFaults.All.Select(m => (Category.Indices, m)),
        .. NumericFaults.All.Select(m => (Category.Numerics, m)),
        .. MemoryFaults.All.Select(m => (Category.Memory, m)),
        .. RuntimeFaults.All.Select(m => (Category.Runtime, m)),
    ];
}
