namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Kernels of the products with int8 activations for one weight type and one K. All implementations give the same bits
/// (<see cref="PanelProduct"/>); they differ in speed and in how many rows they take at a time.
/// </summary>
internal abstract unsafe class IntegerTiles
{
    /// <summary>Largest number of rows of <see cref="Tiled"/>.</summary>
    public abstract int MostTiledRows { get; }

    /// <summary>Largest number of rows of <see cref="Direct"/>.</summary>
    public abstract int MostDirectRows { get; }

    /// <summary><see cref="Direct"/> finds unpacked steps and mins in its call.</summary>
    public virtual bool DirectTakesSteps => false;

    /// <summary>
    /// Two panels of unpacked codes (for Q8_0 the packed panels themselves), steps and mins, by 1 .. <see cref="MostTiledRows"/> rows.
    /// Where there is but one panel the pointers of the second repeat the first's and its mask is 0.
    /// </summary>
    public abstract void Tiled(int rows, ProductCall* call);

    /// <summary>One packed panel, <see cref="ProductCall.Codes0"/>, read once, by 1 .. <see cref="MostDirectRows"/> rows.</summary>
    public abstract void Direct(int rows, ProductCall* call);
}
