using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// A constant [N, K], or [E, N, K] (experts), packed as <see cref="PanelLayout"/> says. Kernels that read the same constant share one;
/// each disposes of what <see cref="Pack"/> gave it.
/// </summary>
internal sealed unsafe class PackedMatrix : IDisposable
{
    private readonly PackedMatrices _owner;
    private PackedMemory? _memory;
    private int _readers = 1;

    private PackedMatrix(PackedMatrices owner, ConstantData constant)
    {
        _owner = owner;
        Type = constant.Type;
        Matrices = constant.Shape.Length == 3 ? constant.Shape[0] : 1;
        Columns = constant.Shape[^2];
        Length = constant.Shape[^1];
        Panels = PanelLayout.Panels(Columns);
        PanelBytes = PanelLayout.PanelBytes(Type, Length);
        Bytes = PackedBytes(Type, Matrices, Columns, Length);
    }

    public ElementType Type { get; }

    /// <summary>E; 1 where there is one matrix.</summary>
    public long Matrices { get; }

    /// <summary>N.</summary>
    public long Columns { get; }

    /// <summary>K.</summary>
    public long Length { get; }

    /// <summary>Panels of each matrix.</summary>
    public long Panels { get; }

    public long PanelBytes { get; }

    public long Bytes { get; }

    public byte* Data { get; private set; }

    /// <summary>Types that can be packed.</summary>
    public static bool Packs(ElementType type) => type.IsFloat() || type.IsQuantized();

    /// <exception cref="OverflowException">They cannot be counted.</exception>
    public static long PackedBytes(ElementType type, long matrices, long columns, long length) =>
        checked(matrices * PanelLayout.Panels(columns) * PanelLayout.PanelBytes(type, length));

    /// <summary>
    /// Packs a constant, or finds it packed. Its bytes are read 16 rows at a time, so that a generated one never exists besides.
    /// </summary>
    /// <exception cref="ArgumentException">The constant is of another type or rank, or its bytes are not all there.</exception>
    /// <exception cref="OutOfMemoryException">Memory is refused.</exception>
    /// <exception cref="OverflowException">The size cannot be counted.</exception>
    public static PackedMatrix Pack(ConstantData constant, WorkerPool pool)
    {
        PackedMatrices owner = pool.Weights;
        if (owner.Find(constant) is { } held)
        {
            held._readers++;
            return held;
        }

        Check(constant);
        PackedMatrix packed = new(owner, constant);
        if (packed.Bytes > CpuBackend.MemoryBytes - owner.Bytes)
        {
            // Beyond physical memory an allocation may succeed and the first touch kill the process.
            throw new InsufficientMemoryException($"{constant.Identity} takes {packed.Bytes} bytes");
        }

        packed.Data = owner.Pages.Take(packed.Bytes, out packed._memory);
        try
        {
            packed.Fill(constant, pool);
        }
        catch (WorkerException e) when (e.InnerException is ArgumentException inner)
        {
            packed.Free();
            throw new ArgumentException(inner.Message, e);
        }
        catch
        {
            packed.Free();
            throw;
        }

        owner.Add(constant, packed);
        return packed;
    }

    /// <summary>Panel <paramref name="i"/> of one of the matrices.</summary>
    public byte* Panel(long matrix, long i) => Data + (((matrix * Panels) + i) * PanelBytes);

    /// <summary>One reader less; the last frees the memory.</summary>
    public void Dispose()
    {
        if (--_readers == 0)
        {
            _owner.Remove(this);
            Free();
        }
    }

    private static void Check(ConstantData constant)
    {
        if (!Packs(constant.Type) || constant.Shape.Length is not (2 or 3) || constant.Shape.Any(d => d < 1))
        {
            throw new ArgumentException(
                $"{constant.Identity} of {constant.Type.Name()} and shape [{string.Join(", ", constant.Shape)}] is no matrix to pack");
        }

        long rows = checked(constant.Shape[0] * (constant.Shape.Length == 3 ? constant.Shape[1] : 1));
        long bytes = checked(rows * constant.Type.Bytes(constant.Shape[^1]));
        if (constant.Bytes != bytes)
        {
            throw new ArgumentException($"the bytes of constant {constant.Identity} are {constant.Bytes} and should be {bytes}");
        }
    }

    private void Fill(ConstantData constant, WorkerPool pool)
    {
        long rowBytes = Type.Bytes(Length);
        PanelPacking packing = new(Type, Length);
        pool.EnsureScratch(checked(PanelLayout.Columns * rowBytes));
        void Work(int worker, long begin, long end)
        {
            byte* rows = (byte*)pool.Scratch(worker);
            for (long panel = begin; panel < end; panel++)
            {
                (long matrix, long i) = Math.DivRem(panel, Panels);
                long first = i * PanelLayout.Columns;
                long bytes = Math.Min(PanelLayout.Columns, Columns - first) * rowBytes;
                constant.Read(((matrix * Columns) + first) * rowBytes, (nint)rows, bytes);
                new Span<byte>(rows + bytes, checked((int)((PanelLayout.Columns * rowBytes) - bytes))).Clear();
                packing.Pack(rows, Data + (panel * PanelBytes));
            }
        }

        pool.Run(Work, Matrices * Panels, PanelBytes / 4);
    }

    private void Free()
    {
        _owner.Pages.Give(_memory!);
        Data = null;
    }
}
