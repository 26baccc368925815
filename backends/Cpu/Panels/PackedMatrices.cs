using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// The packed weights of a device: each identity is packed once, whichever kernels read it, and freed with its last reader. Calls come
/// from one thread at a time, as those for a device do.
/// </summary>
internal sealed class PackedMatrices
{
    private readonly Dictionary<(string Identity, ElementType Type, string Shape), PackedMatrix> _held = [];

    /// <summary>Where their memory comes from.</summary>
    public PackedPages Pages { get; } = new();

    /// <summary>Bytes held now.</summary>
    public long Bytes => _held.Values.Sum(m => m.Bytes);

    /// <summary>The matrix that is held for the constant, one reader more; null if none is.</summary>
    public PackedMatrix? Find(ConstantData constant) => _held.GetValueOrDefault(Key(constant));

    public void Add(ConstantData constant, PackedMatrix matrix) => _held.Add(Key(constant), matrix);

    public void Remove(PackedMatrix matrix) => _held.Remove(_held.First(e => e.Value == matrix).Key);

    private static (string, ElementType, string) Key(ConstantData c) => (c.Identity, c.Type, string.Join('x', c.Shape));
}
