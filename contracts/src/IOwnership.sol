// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPayments} from "./IPayments.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

/// @title Whose is the model?
/// @notice A model is one ERC-1155 id with `TOTAL` shares, all made with it and never more. Shares are passed on like any ERC-1155
/// token. What the model earns is divided among its shares; what a share has earned and its holder has not drawn yet goes with
/// the share when it is passed on.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade, no minter. Anybody may create a model: its `source` says who
/// did, and only a model whose source is the Jobs contract was paid for and stood in Disputes. Ids of different sources never meet.
interface IOwnership is IERC1155 {
    /// @param source Who created it; it has no power over it afterwards.
    /// @param token What it earns in: an ERC-20, or zero for the chain's coin.
    /// @param key The source's own number for it; a job's number for Jobs.
    /// @param root Checkpoint root of the model.
    struct Model {
        address source;
        address token;
        bytes32 key;
        bytes32 root;
    }

    /// @notice A model and all of its shares were made.
    event Created(
        uint256 indexed model, address indexed source, bytes32 indexed root, bytes32 key, address token
    );
    /// @notice Somebody paid the model for its use.
    event Earned(uint256 indexed model, address indexed from, uint256 amount);
    /// @notice A holder took what its shares had earned; it is credit in Payments now.
    event Collected(uint256 indexed model, address indexed holder, uint256 amount);

    /// @notice The source has created a model under this key.
    error Exists(uint256 model);
    /// @notice The shares do not add up to `TOTAL`, one is zero, or there are more or fewer of them than holders.
    error BadShares();
    /// @notice There is no such model.
    error NoModel(uint256 model);
    /// @notice Nothing has been earned since the last time.
    error NothingToCollect();
    /// @notice More than a model can ever earn: about 3 * 10^38 of the token's smallest unit.
    error TooMuch();

    /// @notice Shares of every model.
    function TOTAL() external view returns (uint256);
    /// @notice Where the money is.
    function payments() external view returns (IPayments);

    /// @notice Creates a model, whose id is `idOf(caller, key)`, and all of its shares.
    /// @param key The caller's number for it, once for each model.
    /// @param root Checkpoint root.
    /// @param token What it will earn in.
    /// @param holders Who gets the shares. Contracts are not asked whether they want them.
    /// @param shares How many each gets; together `TOTAL`.
    function create(
        bytes32 key,
        bytes32 root,
        address token,
        address[] calldata holders,
        uint256[] calldata shares
    ) external returns (uint256 model);

    /// @notice Passes shares of the caller on. Unlike `safeTransferFrom` a receiving contract is not asked.
    function transfer(address to, uint256 model, uint256 shares) external;

    /// @notice Pays the model, from the caller: the coin with the call, a token by approval of this contract. What does not divide by
    /// `TOTAL` is kept and divided with the next payment.
    function earn(uint256 model, uint256 amount) external payable;

    /// @notice Anyone: makes what a holder's shares have earned the holder's credit in Payments.
    function collect(uint256 model, address holder) external returns (uint256 amount);

    /// @notice What `collect` would give.
    function earnedBy(uint256 model, address holder) external view returns (uint256);

    /// @notice What is known of a model; all zero when there is none.
    function modelOf(uint256 model) external view returns (Model memory);

    /// @notice The id of a source's model.
    function idOf(address source, bytes32 key) external pure returns (uint256);
}
